/**
 * Turns "-1 and errno" into a negated errno, for calls that neither allocate nor throw. One wrapper
 * an arity: a rest parameter would allocate an array a call.
 */
import { lastErrno } from "./libc.ts";
import type { CFunction } from "./libc.ts";

export type Call1 = (a: number) => number;
export type Call2 = (a: number, b: number) => number;
export type Call3 = (a: number, b: number, c: number) => number;
export type Call4 = (a: number, b: number, c: number, d: number) => number;
export type Call5 = (a: number, b: number, c: number, d: number, e: number) => number;
export type Call6 = (a: number, b: number, c: number, d: number, e: number, f: number) => number;

export function result1(call: CFunction): Call1 {
  return (a) => {
    const result = call(a);
    return result < 0 ? -lastErrno() : result;
  };
}

export function result2(call: CFunction): Call2 {
  return (a, b) => {
    const result = call(a, b);
    return result < 0 ? -lastErrno() : result;
  };
}

export function result3(call: CFunction): Call3 {
  return (a, b, c) => {
    const result = call(a, b, c);
    return result < 0 ? -lastErrno() : result;
  };
}

export function result4(call: CFunction): Call4 {
  return (a, b, c, d) => {
    const result = call(a, b, c, d);
    return result < 0 ? -lastErrno() : result;
  };
}

export function result5(call: CFunction): Call5 {
  return (a, b, c, d, e) => {
    const result = call(a, b, c, d, e);
    return result < 0 ? -lastErrno() : result;
  };
}

export function result6(call: CFunction): Call6 {
  return (a, b, c, d, e, f) => {
    const result = call(a, b, c, d, e, f);
    return result < 0 ? -lastErrno() : result;
  };
}
