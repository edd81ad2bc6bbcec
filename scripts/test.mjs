// npm test [-- PATTERN …]: setup, the programs that tests drive, then all checks and suites (or the files that match).
import { become, installPackages, main, missingPackages, SetupError, say, setup } from "./setup.mjs";

/** Real parts for the tests: databases, a TURN server, a browser with a font, and voices to speak into it. */
const testPackages = [
  "postgresql",
  "redis-server",
  "coturn",
  "chromium",
  "fonts-dejavu-core",
  "espeak-ng",
  "flite",
  "sox",
  "ffmpeg",
];

await main(async () => {
  const { node, env } = await setup();
  try {
    if (missingPackages(testPackages)?.length !== 0) installPackages(testPackages, "tests on real parts");
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`${error.message}\nGoing on without them: what needs them will fail or say that it was skipped.\n`);
  }
  become(node, ["scripts/suites.ts", ...process.argv.slice(2)], env);
});
