/** What a disk says when it fails, in its usual ways. */
export const errorCodes = ["EIO", "ENOSPC", "EACCES", "EMFILE", "EROFS"] as const;

const codesMax = Number(process.env["DRAFTFS_ERROR_CODES"] ?? errorCodes.length);

/**
 * The errors that a sweep tries at a call: all of them, or as many as `DRAFTFS_ERROR_CODES` says,
 * other ones at the next call.
 */
export function errorCodesAt({ index }: { readonly index: number }): readonly string[] {
  const first = (index * codesMax) % errorCodes.length;
  return [...errorCodes, ...errorCodes].slice(first, first + Math.min(codesMax, errorCodes.length));
}
