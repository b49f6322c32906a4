/**
 * Checks for JSON that somebody else wrote. A check returns the value typed, or throws a PoolError
 * `bad-request` that names the place. Unknown keys are errors: a misspelt setting must not be taken
 * for its default.
 */
import { PoolError } from "./pool-error.ts";

export type Check<T> = (value: unknown, place: string) => T;

export function refuse(place: string, expected: string): never {
  throw new PoolError("bad-request", `${place}: expected ${expected}`);
}

export function text(pattern: RegExp, expected: string): Check<string> {
  return (value, place) =>
    typeof value === "string" && pattern.test(value) ? value : refuse(place, expected);
}

export function integer(min: number, max: number, step = 1): Check<number> {
  return (value, place) => {
    const fits =
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
    if (!fits || (value as number) % step !== 0) {
      refuse(
        place,
        `an integer from ${min} to ${max}${step === 1 ? "" : `, a multiple of ${step}`}`,
      );
    }
    return value as number;
  };
}

export const flag: Check<boolean> = (value, place) =>
  typeof value === "boolean" ? value : refuse(place, "true or false");

export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  return (value, place) =>
    words.includes(value as T) ? (value as T) : refuse(place, words.join(" or "));
}

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, place) => (value === null ? null : check(value, place));
}

export function list<T>(item: Check<T>, countMax: number): Check<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value) || value.length > countMax)
      refuse(place, `a list of at most ${countMax}`);
    return (value as unknown[]).map((entry, index) => item(entry, `${place}[${index}]`));
  };
}

/** A member that may be left out. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, place) => (value === undefined ? undefined : check(value, place));
}

export function object<T extends object>(members: {
  readonly [K in keyof T]-?: Check<T[K]>;
}): Check<T> {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      refuse(place, "an object");
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(members, key)) refuse(`${place}.${key}`, "no such key");
    }
    const checked: Partial<T> = {};
    for (const key of Object.keys(members) as (keyof T & string)[]) {
      const member = members[key]((value as Partial<T>)[key], `${place}.${key}`);
      if (member !== undefined) checked[key] = member;
    }
    return checked as T;
  };
}

/** One of several objects, told apart by the word under `key`. */
export function variant<T extends object>(
  key: string,
  checks: Readonly<Record<string, Check<T>>>,
): Check<T> {
  return (value, place) => {
    const word = (value as Record<string, unknown> | null | undefined)?.[key];
    if (typeof word !== "string" || !Object.hasOwn(checks, word)) {
      refuse(`${place}.${key}`, Object.keys(checks).join(" or "));
    }
    return checks[word]!(value, place);
  };
}
