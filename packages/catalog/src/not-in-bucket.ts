/**
 * What a catalog that was rebuilt from the bucket does not have, because no manifest and no receipt carries it: a sentence
 * each, for people.
 */
export const NOT_IN_BUCKET: readonly string[] = [
  "Runs that failed, the timelines of tasks, and dead letters: a job shows those of its databases that were backed up.",
  "When results were settled and jobs closed: both count as ended when their last backup was finished.",
  "The audit log.",
  "Channels, thresholds and alerts: add the channels again; those that secrets name come back by themselves.",
  "Pauses: every database that has a backup is backed up again.",
  "Databases that have no backup yet: apply the registry file, or add them again.",
  "Retention for all databases, and the budgets of verification and drills: nothing is removed until they are set again.",
  "The runs of prunes and verifications: what they found of each backup is there.",
];
