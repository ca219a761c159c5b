/** The Worker in which the tests run: what has to be a class of its own there. */
export { Scratch } from "@patina/archiver/scratch";

export default {} satisfies ExportedHandler;
