/** Whether this browser can take part in a conference: WebRTC, and media devices, which need a secure address. */
export function supportsCalls(): boolean {
  return typeof RTCPeerConnection === 'function' && typeof WebSocket === 'function' && Boolean(navigator.mediaDevices)
}
