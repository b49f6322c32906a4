/**
 * Schemas of the interface: plain JSON Schema (2020-12, the few words of it that are used), whose
 * type in TypeScript is inferred. What OpenAPI prints, what is checked (`mismatch.ts`) and what the
 * compiler knows come from one text.
 *
 * It is our own because a command line pays for every module that it loads: the builder and checker
 * that stood here before were 190 of them, half of the time of a short command. Ajv is its judge in
 * the tests.
 */
/** On a property of an object: it may be absent. JSON does not show it. */
const optional = Symbol("optional");

export interface TSchema<T = unknown> {
  /** For the compiler alone: no such property is there. */
  readonly static: T;
  readonly [word: string]: unknown;
}

/** The TypeScript type of what a schema admits. */
export type Static<S extends TSchema> = S["static"];

export type TOptional<S extends TSchema> = S & { readonly [optional]: true };

type TProperties = Readonly<Record<string, TSchema>>;

export interface TObject<P extends TProperties = TProperties> extends TSchema<StaticOf<P>> {
  readonly properties: P;
}

type StaticOf<P extends TProperties> = Flat<{
  -readonly [K in keyof P as P[K] extends { readonly [optional]: true } ? never : K]: Static<P[K]>;
} & {
  -readonly [K in keyof P as P[K] extends { readonly [optional]: true } ? K : never]?: Static<P[K]>;
}>;

type Flat<T> = { [K in keyof T]: T[K] } & {};

interface Described {
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
}

interface NumberLimits extends Described {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
}

interface StringLimits extends Described {
  /** Characters as JavaScript counts them, UTF-16 units. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

interface ArrayLimits extends Described {
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface ObjectLimits extends Described {
  /** Not false: what else is there is left alone. */
  readonly additionalProperties?: boolean;
}

export const Type = {
  String: (limits: StringLimits = {}): TSchema<string> => made({ ...limits, type: "string" }),
  Number: (limits: NumberLimits = {}): TSchema<number> => made({ ...limits, type: "number" }),
  Integer: (limits: NumberLimits = {}): TSchema<number> => made({ ...limits, type: "integer" }),
  Boolean: (words: Described = {}): TSchema<boolean> => made({ ...words, type: "boolean" }),
  /** There is no such value in JSON: a request that has no body. */
  Undefined: (): TSchema<undefined> => made({ type: "undefined" }),
  Unknown: (words: Described = {}): TSchema => made(words),
  Literal<const V extends string | number | boolean>(value: V, words: Described = {}): TSchema<V> {
    return made({ ...words, const: value, type: typeof value });
  },
  Array<S extends TSchema>(items: S, limits: ArrayLimits = {}): TSchema<Static<S>[]> {
    return made({ ...limits, type: "array", items });
  },
  Union<const S extends readonly TSchema[]>(
    anyOf: S, words: Described = {},
  ): TSchema<Static<S[number]>> {
    return made({ ...words, anyOf });
  },
  /** Any names, all with such values. */
  Record<S extends TSchema>(values: S, words: Described = {}): TSchema<Record<string, Static<S>>> {
    return made({ ...words, type: "object", patternProperties: { "^(.*)$": values } });
  },
  Object<P extends TProperties>(properties: P, limits: ObjectLimits = {}): TObject<P> {
    const required = Object.keys(properties).filter((name) => !isOptional(properties[name]));
    const words = required.length > 0 ? { type: "object", required } : { type: "object" };
    return { ...made({ ...limits, ...words }), properties };
  },
  Optional: <S extends TSchema>(schema: S): TOptional<S> => ({ ...schema, [optional]: true }),
};

function made(words: object): TSchema<never> {
  return words as TSchema<never>;
}

function isOptional(schema: TSchema | undefined): boolean {
  return schema !== undefined && optional in schema;
}
