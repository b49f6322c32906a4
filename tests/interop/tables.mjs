/** Tables of mapped devices, comparable across activations. */

/**
 * `dmsetup table`, an empty line, and `dmsetup info -c -o major,minor,name`: the lines in order of
 * names, with the names of mapped devices in the place of their numbers.
 * @param {string} printed
 */
export function namedTables(printed) {
  const [tables = "", devices = ""] = printed.split("\n\n");
  const names = new Map(
    devices
      .trim()
      .split("\n")
      .map((line) => line.trim().split(":"))
      .map(([major, minor, name]) => [`${major}:${minor}`, name]),
  );
  return tables
    .trim()
    .split("\n")
    .map((line) => line.trim().replace(/\b\d+:\d+\b/g, (number) => names.get(number) ?? number))
    .sort();
}
