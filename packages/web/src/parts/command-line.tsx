/** What to type, with a button that copies it. */
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

const SAID_MS = 2_000;

export function CommandLine({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SAID_MS);
  };
  return (
    <div class="command">
      <code tabIndex={0}>{text}</code>
      {/* Only a page of a secure origin may write to the clipboard. */}
      {navigator.clipboard === undefined ? null : (
        <button type="button" class="button plain icon" onClick={() => void copy()}>
          <Icon name={copied ? "ok" : "copy"} />
          <span class="unseen">{copied ? "Copied" : `Copy ${text}`}</span>
        </button>
      )}
    </div>
  );
}

/** A next step is a sentence, or has a command behind a colon: `look at it: mortar status`. */
export function NextStep({ text }: { readonly text: string }) {
  const found = /^(.*?:\s+)?((?:mortar|gluster|lvs|vgs|pvs|lvextend|vgextend|systemctl|mount) .*)$/s
    .exec(text);
  if (found === null) return <p class="small">{capital(text)}</p>;
  return (
    <>
      {found[1] === undefined ? null : <p class="small">{capital(found[1].trim())}</p>}
      <CommandLine text={found[2]!} />
    </>
  );
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
