import { assert, describe, it } from "@effect/vitest"
import { follow } from "../../../../src/layers/models/responses/Redirect.ts"

const asked = {
  url: "https://model.test/v1/responses?key=1",
  headers: { authorization: "Bearer secret", "api-key": "secret", "thread-id": "t", "user-agent": "probe/1" },
  body: "{}"
}

const to = (location: string | undefined, status = 307, from = asked, followed = 0) =>
  follow(from, { status, location }, followed)

const messageOf = (next: ReturnType<typeof follow>) =>
  next !== undefined && "refused" in next ? [next.refused.error.message, next.refused.retry] : next

describe("Redirect", () => {
  it("repeats the request at the same origin", () => {
    for (const location of ["/v2", "https://model.test/v2", "//model.test/v2", "https://MODEL.test:443/v2"])
      assert.deepStrictEqual(to(location), { to: { ...asked, url: "https://model.test/v2" } })
    assert.deepStrictEqual(to("", 308), { to: asked })
  })

  it("changes the request to GET depending on the status", () => {
    for (const status of [301, 302, 303])
      assert.deepStrictEqual(to("/v2", status), { to: { ...asked, url: "https://model.test/v2", body: null } })
  })

  it("sends neither possible keys nor the client's identity to another origin", () => {
    for (const location of ["https://other.test/v2", "https://model.test:8443/v2", "https://user:pass@other.test/v2"]) {
      const next = to(location)
      assert.deepStrictEqual(next !== undefined && "to" in next && next.to.headers, { "user-agent": "probe/1" })
    }
    const next = to("https://user:pass@other.test/v2")
    assert.strictEqual(next !== undefined && "to" in next && next.to.url, "https://other.test/v2")
  })

  it("follows only HTTP URLs, and never from https to http", () => {
    const text = "stream disconnected before completion: redirect target uses unsupported URL scheme: "
    const targets = [
      "file:///etc/passwd",
      "data:text/plain,x",
      "ftp://x/y",
      "javascript:1",
      "unix:/x",
      "blob:https://x/1"
    ]
    assert.deepStrictEqual(
      targets.map((target) => messageOf(to(target))),
      ["file", "data", "ftp", "javascript", "unix", "blob"].map((scheme) => [`${text}${scheme}`, "never"])
    )
    assert.deepStrictEqual(messageOf(to("http://model.test/v1")), [
      "stream disconnected before completion: redirect from https to http refused",
      "never"
    ])
  })

  it("follows ten redirects", () => {
    assert.isDefined(to("/v2", 307, asked, 9))
    assert.deepStrictEqual(messageOf(to("/v2", 307, asked, 10)), [
      "stream disconnected before completion: too many redirects",
      "never"
    ])
  })

  it("ignores a response that is not a redirect or has no valid target", () => {
    for (const next of [to(undefined), to("https://["), to("/v2", 300), to("/v2", 304), to("/v2", 200)])
      assert.isUndefined(next)
  })
})
