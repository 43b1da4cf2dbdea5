/**
 * The declarations of the small tools of a turn. Names, parameters and limits are those of the release, which models know.
 *
 * Plain data: it is part of every model request, so it does not load the code of the tools.
 *
 * @module
 */
import type { ToolSpec } from "../../../services/tool/Tool.ts"

const string = (description: string) => ({ type: "string", description })

const object = (
  properties: Readonly<Record<string, unknown>>,
  required: ReadonlyArray<string>
): Readonly<Record<string, unknown>> => ({ type: "object", properties, required, additionalProperties: false })

const list = (description: string, items: unknown) => ({ type: "array", description, items })

/** Shows the model's task list to the user. */
export const updatePlan: ToolSpec = {
  type: "function",
  name: "update_plan",
  description:
    "Shows the user the list of steps for the current task and how far each one is. Every call replaces the whole list. " +
    "At most one step is in_progress.",
  strict: false,
  parameters: object(
    {
      explanation: string("Why the list changed. Optional."),
      plan: list(
        "All steps, in order.",
        object(
          {
            step: string("The step, in a few words."),
            status: {
              type: "string",
              description: "The state of the step.",
              enum: ["pending", "in_progress", "completed"]
            }
          },
          ["step", "status"]
        )
      )
    },
    ["plan"]
  )
}

/** Asks the user. */
export const requestUserInput: ToolSpec = {
  type: "function",
  name: "request_user_input",
  description:
    "Asks the user one to three short questions with prepared answers, and waits for the answers. Available in Plan mode only.",
  strict: false,
  parameters: object(
    {
      questions: list(
        "The questions: one if possible, three at most.",
        object(
          {
            id: string("Names the question in the result, in snake_case."),
            header: string("A heading of at most 12 characters."),
            question: string("The question, in one sentence."),
            options: list(
              "Two or three answers that exclude each other, the recommended one first with the suffix (Recommended). The user " +
                "can always answer in other words, so leave out an answer such as Other.",
              object(
                {
                  label: string("The answer, in one to five words."),
                  description: string("What follows from it, in one short sentence.")
                },
                ["label", "description"]
              )
            )
          },
          ["id", "header", "question", "options"]
        )
      )
    },
    ["questions"]
  )
}

/** Shows an image to the model. */
export const viewImage: ToolSpec = {
  type: "function",
  name: "view_image",
  description:
    "Shows you an image file of this machine: PNG, JPEG, GIF or WebP. Use it when you need to see the image.",
  strict: false,
  parameters: object({ path: string("The path of the file; a relative one is taken from the working directory.") }, [
    "path"
  ])
}
