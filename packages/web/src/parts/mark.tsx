/** The mark of Mortar: bricks, held together. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" fill="#1f5fbf" />
      <g fill="#fff">
        <rect x="5" y="7" width="10" height="5" rx="1" /><rect x="17" y="7" width="10" height="5" rx="1" />
        <rect x="11" y="13.5" width="10" height="5" rx="1" />
        <rect x="5" y="20" width="10" height="5" rx="1" /><rect x="17" y="20" width="10" height="5" rx="1" />
      </g>
    </svg>
  );
}
