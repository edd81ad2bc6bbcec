import { Link } from "../parts/link.tsx";
import { Blank } from "../parts/notice.tsx";
import { PageHead } from "../parts/page-head.tsx";

export function LostPage() {
  return (
    <>
      <PageHead title="Nothing here" />
      <Blank title="There is nothing at this address.">
        <Link to={{ page: "rooms" }} className="button">
          To the rooms
        </Link>
      </Blank>
    </>
  );
}
