import { render } from "preact";
import { App } from "./app.tsx";
import { watchEvents } from "./live.ts";
import { watchClock } from "./resource.ts";
import { watchHash } from "./router.ts";
import { watchTheme } from "./theme.ts";

watchTheme();
watchHash();
watchClock();
watchEvents();
render(<App />, document.querySelector("#page")!);
