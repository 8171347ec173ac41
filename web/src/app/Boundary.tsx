import { Component, type ReactNode } from 'react'

interface BoundaryProps {
  readonly children: ReactNode
  /** What is shown in the place of content that cannot be. */
  readonly fallback: (caught: unknown) => ReactNode
}

/** Keeps what goes wrong below it, such as a part of the client that cannot be fetched, from taking the rest with it. */
export class Boundary extends Component<BoundaryProps, { readonly caught?: { readonly error: unknown } }> {
  override readonly state: { readonly caught?: { readonly error: unknown } } = {}

  static getDerivedStateFromError(error: unknown) {
    return { caught: { error } }
  }

  override render(): ReactNode {
    const { caught } = this.state
    return caught ? this.props.fallback(caught.error) : this.props.children
  }
}
