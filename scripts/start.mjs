// npm start: everything that is missing, then the server.
import { become, main, setup } from "./setup.mjs";

await main(async () => {
  const { node, env } = await setup();
  become(node, ["src/main.ts"], env);
});
