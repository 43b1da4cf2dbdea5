/**
 * Addresses that only programs on this machine can reach.
 *
 * @module
 */
import * as Net from "node:net"

/**
 * Whether an IP address is a loopback address: `127.0.0.0/8`, or `::1` in any notation. As in the release, an IPv4 address
 * inside an IPv6 one does not count. A name is not an address: `localhost` is false.
 */
export const isLoopback = (address: string): boolean =>
  Net.isIPv4(address)
    ? address.startsWith("127.")
    : Net.isIPv6(address) && new URL(`http://[${address}]`).hostname === "[::1]"
