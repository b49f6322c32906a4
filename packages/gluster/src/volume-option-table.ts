/**
 * The options that `volume set` knows, as GlusterFS 10.3 has them. One row an option, in the order
 * in which `volume get V all` prints them:
 *
 *     name | translator[:key] | default | rule | marks
 *
 * - key: the option's name in the translator, where it differs from what follows the name's first
 *   dot. With `!` the generators treat the option in a way of its own.
 * - default: empty for none, `""` for the empty text.
 * - rule: what values are allowed, see option-value.ts.
 * - marks: `always`: volfiles have it even when it was never set; `unlisted`: `volume get V all`
 *   leaves it out; `hidden`: `volume set help` leaves it out; `cluster`: only for `volume set all`.
 *
 * A name may have several rows: it lands in several translators.
 */

import { clusterRows } from "./volume-option-rows-cluster.ts";
import { featuresRows } from "./volume-option-rows-features.ts";
import { mortarRows } from "./volume-option-rows-mortar.ts";
import { networkRows } from "./volume-option-rows-network.ts";
import { performanceRows } from "./volume-option-rows-performance.ts";

export interface VolumeOption {
  /** Such as "performance.cache-size". */
  readonly name: string;
  /** Such as "performance/io-cache". */
  readonly translator: string;
  /** The option's name inside the translator. */
  readonly key: string;
  /** It does not simply become `option key value` of the translator. */
  readonly special: boolean;
  readonly default: string | undefined;
  readonly rule: string;
  readonly always: boolean;
  readonly unlisted: boolean;
  readonly hidden: boolean;
  readonly clusterWide: boolean;
}

function parseRow(row: string): VolumeOption {
  const [name = "", place = "", value = "", rule = "", marks = ""] = row
    .split("|")
    .map((cell) => cell.trim());
  const [translator = "", key = name.slice(name.indexOf(".") + 1)] = place.split(/:(.*)/s);
  const has = (mark: string) => marks.split(" ").includes(mark);
  return {
    name,
    translator,
    key: key.replace(/^!/, ""),
    special: key.startsWith("!"),
    default: value === "" ? undefined : value.replace('""', ""),
    rule,
    always: has("always"),
    unlisted: has("unlisted"),
    hidden: has("hidden"),
    clusterWide: has("cluster"),
  };
}

/** Every row: stock's in its order, then those that only Mortar has. */
export const volumeOptions: readonly VolumeOption[] = [
  clusterRows, performanceRows, networkRows, featuresRows, mortarRows,
].flatMap((rows) => rows.trim().split("\n").map(parseRow));
