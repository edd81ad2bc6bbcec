import type { FrameEvent } from "#protocol";

/**
 * Which users have a connection anywhere. A node enters a user with its first connection there and leaves it a short
 * grace after its last one; a user is online while at least one node has entered it.
 */
export interface PresenceStore {
  /** This node now has the user. Entering twice is entering once. */
  enter(userId: string): Promise<void>;
  /** This node no longer has the user. */
  leave(userId: string): Promise<void>;
  /** Those of the given users who are online on any node. */
  online(userIds: readonly string[]): Promise<string[]>;
  /** Calls `listener` when a user comes online or goes offline, on whichever node; returns how to stop. */
  onChange(listener: (userId: string, online: boolean) => void): () => void;
}

/**
 * For each kind of frame, who takes its bytes as they came; may throw AppError, which is answered with `drill.frameRejected`
 * or `speech.frameRejected`.
 */
export type FrameSinks = Record<FrameEvent, (connectionId: string, bytes: Uint8Array) => void>;

/** Throws when the part does not work; resolves to "degraded" when this node still serves without it, so that traffic may come. */
export type ReadinessCheck = () => unknown;
