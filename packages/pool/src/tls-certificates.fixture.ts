/** For tests: an authority, a server's and a client's certificate in one directory, by openssl. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The names of the files are those that QEMU, libnbd and the pool server look for. */
export function makeCertificates(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const at = (name: string): string => join(directory, name);
  const openssl = (...words: string[]): void =>
    void execFileSync("openssl", words, { stdio: ["ignore", "ignore", "pipe"] });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-keyout", at("ca-key.pem"), "-out", at("ca-cert.pem"), "-subj", "/CN=test"];
  openssl("req", "-x509", ...newKey, ...authority, "-days", "2");
  for (const [role, extensions] of [
    ["server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"],
    ["client", "extendedKeyUsage=clientAuth\n"],
  ] as const) {
    writeFileSync(at("extensions"), `keyUsage=digitalSignature\n${extensions}`);
    const request = ["-keyout", at(`${role}-key.pem`), "-out", at("request"), "-subj", `/CN=${role}`];
    openssl("req", ...newKey, ...request);
    openssl(
      "x509", "-req", "-in", at("request"), "-CA", at("ca-cert.pem"), "-CAkey", at("ca-key.pem"),
      "-CAcreateserial", "-days", "2", "-extfile", at("extensions"), "-out", at(`${role}-cert.pem`),
    );
  }
}
