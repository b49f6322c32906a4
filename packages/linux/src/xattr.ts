/** Extended attributes: small named values of a file, such as the volume id of a brick. */
import { isErrno } from "./async-call.ts";
import { checked, declare } from "./libc.ts";

const VALUE_BYTES_MAX = 65_536;
const CREATE = 1;
const REPLACE = 2;

const getCall = declare(
  "long lgetxattr(const char *path, const char *name, void *value, size_t size)",
);
const setCall = declare(
  "int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
);
const listCall = declare("long llistxattr(const char *path, void *list, size_t size)");
const removeCall = declare("int lremovexattr(const char *path, const char *name)");

/** The value, or undefined when the file has no such attribute. Links are not followed. */
export function getXattr(path: string, name: string): Uint8Array | undefined {
  const value = new Uint8Array(VALUE_BYTES_MAX);
  try {
    const result = getCall(path, name, value, value.length);
    const length = checked("getxattr", `${path}: ${name}`, result);
    return value.slice(0, length);
  } catch (error) {
    if (isErrno(error, "ENODATA")) return undefined;
    throw error;
  }
}

/** `create`: EEXIST when it is there; `replace`: ENODATA when it is not. */
export function setXattr(
  path: string,
  name: string,
  value: Uint8Array,
  only?: "create" | "replace",
): void {
  const flags = only === "create" ? CREATE : only === "replace" ? REPLACE : 0;
  checked("setxattr", `${path}: ${name}`, setCall(path, name, value, value.length, flags));
}

/** False when there was no such attribute. */
export function removeXattr(path: string, name: string): boolean {
  try {
    checked("removexattr", `${path}: ${name}`, removeCall(path, name));
    return true;
  } catch (error) {
    if (isErrno(error, "ENODATA")) return false;
    throw error;
  }
}

export function listXattrs(path: string): string[] {
  const list = new Uint8Array(VALUE_BYTES_MAX);
  const length = checked("listxattr", path, listCall(path, list, list.length));
  const names = Buffer.from(list.buffer, 0, length).toString();
  return names.split("\0").filter((name) => name !== "");
}
