/** Shows one's own tracks in elements, straight from the device: also before joining, without the SFU. */
export class Mirror {
  private readonly tracks: { camera: MediaStreamTrack | undefined; screen: MediaStreamTrack | undefined } = {
    camera: undefined,
    screen: undefined,
  }
  private readonly elements = new Map<HTMLVideoElement, 'camera' | 'screen'>()

  set(source: 'camera' | 'screen', track: MediaStreamTrack | undefined): void {
    if (this.tracks[source] === track) return
    this.tracks[source] = track
    for (const [element, shown] of this.elements) {
      if (shown === source) show(element, track)
    }
  }

  attach(source: 'camera' | 'screen', element: HTMLVideoElement): () => void {
    this.elements.set(element, source)
    show(element, this.tracks[source])
    return () => {
      if (this.elements.delete(element)) element.srcObject = null
    }
  }

  clear(): void {
    for (const element of this.elements.keys()) element.srcObject = null
    this.elements.clear()
  }
}

function show(element: HTMLVideoElement, track: MediaStreamTrack | undefined): void {
  element.muted = true
  element.autoplay = true
  element.playsInline = true
  element.srcObject = track ? new MediaStream([track]) : null
}
