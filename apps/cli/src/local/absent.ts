import { CommandError } from "../failure.ts";

/** Stands in the published command for the local run, which needs the Workers of the repository. */
export const LocalPatina = {
  async start(): Promise<never> {
    throw new CommandError("Cannot run Patina here: the published command comes without its Workers", {
      hint: "Clone the repository and run npm start; every other command works as it is.",
    });
  },
};
