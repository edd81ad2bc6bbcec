import { PageHead } from "../parts/page-head.tsx";

export function MessagesPage(_: { conversationId: string | null }) {
  return <PageHead title="Messages" />;
}
