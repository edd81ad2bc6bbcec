import { PageHead } from "../parts/page-head.tsx";

export function RoomPage(_: { roomId: string }) {
  return <PageHead title="Room" />;
}
