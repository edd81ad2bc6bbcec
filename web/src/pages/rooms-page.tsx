import { PageHead } from "../parts/page-head.tsx";

export function RoomsPage() {
  return <PageHead title="Rooms" />;
}
