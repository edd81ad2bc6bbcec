import { createRoot } from "react-dom/client";
import { browserTokenStorage, Session } from "#client";
import { App } from "./app.tsx";

const session = new Session(location.origin, { storage: browserTokenStorage() });
const root = document.getElementById("app");
if (root) createRoot(root).render(<App session={session} />);
