/** What two names are compared by: the same for `Zoë`, `ZOË`, `Zoe` + combining diaeresis, and with characters in it that nobody sees. */
export function nameKey(name: string): string {
  return name
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase();
}
