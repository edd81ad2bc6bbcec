/**
 * An event that is not a call: `socket.emit("drill.frame", bytes)`, 50 times a second, without acknowledgement.
 * Layout: u32 LE frame number (0, 1, 2 … per attempt), then 16-bit LE PCM samples at 16 kHz mono. A frame number that was
 * seen before is ignored; a jump is filled with silence, up to 1 s. What is wrong with a frame comes back as `drill.frameRejected`.
 */
export const FRAME_EVENT = "drill.frame";
/** The same for free speech: `speech.frame`, numbered from 0 per `speech.start`; answered, where need be, by `speech.frameRejected`. */
export const SPEECH_FRAME_EVENT = "speech.frame";
export type FrameEvent = typeof FRAME_EVENT | typeof SPEECH_FRAME_EVENT;
export const FRAME_HEADER_BYTES = 4;
