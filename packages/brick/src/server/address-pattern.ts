/** Whether an address fits a pattern of auth.allow: "*", "10.0.*", "192.168.1.7", "10.0.0.0/8". */
export function addressMatches(pattern: string, address: string): boolean {
  const trimmed = pattern.trim();
  if (trimmed === "*" || trimmed === address) return true;
  if (trimmed.includes("/")) return isInNetwork(trimmed, address);
  const escaped = trimmed.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const expression = escaped.replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(address);
}

function isInNetwork(pattern: string, address: string): boolean {
  const [network = "", bitsText = ""] = pattern.split("/");
  const bits = Number(bitsText);
  const base = numberOf(network);
  const value = numberOf(address);
  if (base === undefined || value === undefined) return false;
  if (!Number.isInteger(bits) || bits < 0 || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return Math.floor(base / size) === Math.floor(value / size);
}

function numberOf(address: string): number | undefined {
  const parts = address.split(".").map(Number);
  if (parts.length !== 4) return undefined;
  if (parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
