/** Keys: ECDSA on P-256, as PKCS #8 in PEM (RFC 5208, RFC 7468). */
import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import { PemConverter, cryptoProvider } from "@peculiar/x509";
import { TrustError } from "./error.ts";

export const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export type KeyPair = webcrypto.CryptoKeyPair;

cryptoProvider.set(webcrypto);

/** A new key, in PEM. It is a secret. */
export async function newKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY");
}

/** Throws `TrustError`. */
export async function keyPair(keyPem: string): Promise<KeyPair> {
  try {
    const key = createPrivateKey(keyPem);
    const jwk = key.export({ format: "jwk" });
    const { d: _secret, ...open } = jwk;
    const { subtle } = webcrypto;
    return {
      privateKey: await subtle.importKey("jwk", jwk, algorithm, false, ["sign"]),
      publicKey: await subtle.importKey("jwk", open, algorithm, true, ["verify"]),
    };
  } catch (cause) {
    throw new TrustError("wrong-key", "This is no key of ours: PKCS #8 on P-256 is.", { cause });
  }
}
