import v8 from "node:v8";

/** Whether V8 gives two objects the same hidden class. */
export const haveSameMap = ((): ((one: object, other: object) => boolean) => {
  v8.setFlagsFromString("--allow-natives-syntax");
  try {
    return new Function("one", "other", "return %HaveSameMap(one, other)") as typeof haveSameMap;
  } finally {
    v8.setFlagsFromString("--no-allow-natives-syntax");
  }
})();
