import { PageHead } from "../parts/page-head.tsx";

export function HistoryPage(_: { attemptId: string | null }) {
  return <PageHead title="History" />;
}
