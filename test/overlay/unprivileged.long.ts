/** A user that is nobody on any system. */
const someone = 31_415;

const { setgroups, setgid, setuid } = process;

// For good: the process ends with this file. Whoever is not root is unprivileged already.
if (process.geteuid?.() === 0 && setgroups && setgid && setuid) {
  setgroups.call(process, []);
  setgid.call(process, someone);
  setuid.call(process, someone);
}

await import("../../property-tests/overlay/overlay.property.ts");
await import("./memory.test.ts");
await import("./savepoint.test.ts");
await import("./identity.test.ts");
await import("../regressions/peers.test.ts");
await import("../regressions/layers.test.ts");
