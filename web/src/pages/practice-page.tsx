import { PageHead } from "../parts/page-head.tsx";

export function PracticePage() {
  return <PageHead title="Practice" />;
}
