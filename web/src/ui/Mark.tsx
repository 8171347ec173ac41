/** The mark of the product: people round one table. */
export function Mark({ className }: { readonly className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <circle cx="16" cy="16" r="5" fill="none" stroke="currentColor" strokeWidth="2.5" />
      <g fill="currentColor">
        <circle cx="16" cy="4.5" r="2.75" />
        <circle cx="26" cy="10.25" r="2.75" />
        <circle cx="26" cy="21.75" r="2.75" />
        <circle cx="16" cy="27.5" r="2.75" />
        <circle cx="6" cy="21.75" r="2.75" />
        <circle cx="6" cy="10.25" r="2.75" />
      </g>
    </svg>
  )
}
