import { createRoot } from "react-dom/client";
import { browserTokenStorage, Session } from "#client";
import { App } from "./app.tsx";
import { SafetyNet } from "./parts/safety-net.tsx";

const session = new Session(location.origin, { storage: browserTokenStorage() });
const root = document.getElementById("app");
if (root)
  createRoot(root).render(
    <SafetyNet>
      <App session={session} />
    </SafetyNet>,
  );
