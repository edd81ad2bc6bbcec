/** Raised on any change that an older client can't ignore. The handshake refuses other versions with PROTOCOL_UNSUPPORTED. */
export const PROTOCOL_VERSION = 1;
