/** Signing in with a token. */
import { useEffect, useRef, useState } from "preact/hooks";
import { CommandLine } from "../parts/command-line.tsx";
import { Mark } from "../parts/mark.tsx";
import { Note } from "../parts/status.tsx";
import { signIn } from "../session.ts";

export function SignIn() {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Sign in – Mortar";
    field.current?.focus();
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      setProblem(await signIn(token.trim()));
    } catch {
      setProblem("mortard does not answer.");
    }
    setBusy(false);
    field.current?.select();
  };
  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)}>
        <div class="body stack">
          <div class="brand"><Mark /><h1>Mortar</h1></div>
          <label class="field">
            <span>Token</span>
            <input
              ref={field} type="password" autocomplete="current-password" required
              value={token} onInput={(event) => setToken(event.currentTarget.value)}
            />
          </label>
          {problem === undefined ? null : <Note level="bad" alert><p>{problem}</p></Note>}
          <button type="submit" class="button main" disabled={isBusy || token.trim() === ""}>
            {isBusy ? "Asking…" : "Sign in"}
          </button>
          <div class="stack tight small muted">
            <span>A token is made on a node of the cluster:</span>
            <CommandLine text="mortar token create NAME --role viewer" />
          </div>
        </div>
      </form>
    </main>
  );
}
