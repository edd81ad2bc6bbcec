/** Hands microphone audio to the page: mono, in chunks of about 20 ms, so that the page is woken 50 times a second. */
class MicrophoneTap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.chunk = new Float32Array(Math.round(sampleRate / 50));
    this.filled = 0;
  }

  process([input]) {
    const channels = input?.length ?? 0;
    const length = input?.[0]?.length ?? 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of input) sum += channel[i];
      this.chunk[this.filled++] = sum / channels;
      if (this.filled < this.chunk.length) continue;
      this.port.postMessage(this.chunk, [this.chunk.buffer]);
      this.chunk = new Float32Array(Math.round(sampleRate / 50));
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("microphone-tap", MicrophoneTap);
