/**
 * What the content of most files fits into. All commits of the process read into it, each for no
 * longer than a call: making one for each commit takes as long as a dozen calls on the disk.
 */
export const firstBuffer = Buffer.allocUnsafeSlow(64 * 1024);
