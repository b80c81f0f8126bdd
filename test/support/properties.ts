import fc from "fast-check";

/**
 * fast-check, with one seed for every run of the quick suite: a push is judged by what it changes
 * and not by luck. The exhaustive suite, or `DRAFTFS_PROPERTY_SEED=random`, looks on with new
 * seeds; a number repeats the run that printed it.
 */
const seed = process.env["DRAFTFS_PROPERTY_SEED"] ?? "20261123";

if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });

export { fc };
