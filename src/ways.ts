/**
 * What a message advises, by its name on the command line and in the library. Both read the same
 * messages: the library tells both names, the command line only its own.
 */
const ways = {
  merge: { option: "--merge", call: "commitWith" },
  overwrite: { option: "--overwrite", call: "commitForce" },
  overwriteBack: { option: "--overwrite", call: "force" },
  force: { option: "--force", call: "force: true" },
  trustOwner: { option: "--trust-owner", call: "trustOwner: true" },
  limitWrites: { option: "--limit-writes", call: "uncommittedBytesMax" },
  keepHome: { option: "--home open", call: 'home: "open"' },
  shareTemporary: { option: "--temporary shared", call: 'temporary: "shared"' },
  shareSockets: { option: "--sockets shared", call: 'sockets: "shared"' },
  cooperative: { option: "--require cooperative", call: 'require: "cooperative"' },
  exclude: { option: "--exclude", call: "exclude" },
} as const;

/** How a message of the library names what to do. */
export function wayTo(way: keyof typeof ways): string {
  const { option, call } = ways[way];
  return `${option} (${call})`;
}

/** A message of the library as the command line shows it: without the library's names. */
export function forCommandLine(message: string): string {
  return Object.values(ways).reduce(
    (text, { option, call }) => text.replaceAll(`${option} (${call})`, option),
    message,
  );
}
