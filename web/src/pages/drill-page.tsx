import { PageHead } from "../parts/page-head.tsx";

export function DrillPage(_: { drillId?: string; ownText?: string }) {
  return <PageHead title="Drill" />;
}
