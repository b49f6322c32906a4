/** The few pictures of the page: lines of one width, never alone in saying something. */

const shapes = {
  ok: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8.2l2.1 2.1L11 6",
  warn: "M8 1.8 14.8 14H1.2ZM8 6v3.6M8 11.7v.4",
  bad: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2ZM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8",
  idle: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8h6",
  overview: "M2 2h5v7H2ZM9 2h5v4H9ZM9 8h5v6H9ZM2 11h5v3H2Z",
  pool: "M2 4c0-1.4 2.7-2.5 6-2.5S14 2.600 14 4s-2.700 2.500-6 2.500S2 5.400 2 4ZM2 4v8c0 1.400 2.700 2.500 6 2.500s6-1.100 6-2.500V4M2 8c0 1.400 2.700 2.500 6 2.500s6-1.100 6-2.500",
  volume: "M8 1.500 14 5v6l-6 3.500L2 11V5ZM2 5l6 3.500L14 5M8 8.500v6",
  node: "M2 2.500h12v4.500H2ZM2 9h12v4.500H2ZM4.500 4.800h.1M4.500 11.200h.1M8 4.800h3.500M8 11.200h3.500",
  schedule: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13ZM8 4.500V8l2.500 1.500",
  activity: "M1.500 8.500h3l2-5.500 3 10 2-4.500h3",
  folder: "M1.500 3.500h4.500l1.500 2h7v7.500h-13Z",
  file: "M3.500 1.500h6l3 3v10h-9ZM9.500 1.500v3h3",
  link: "M6.500 9.500 9.500 6.500M7 4.500l1.500-1.500a3 3 0 0 1 4.300 4.300L11.300 8.700M9 11.500 7.500 13a3 3 0 0 1-4.300-4.300L4.700 7.300",
  lock: "M3 7h10v7H3ZM5 7V5a3 3 0 0 1 6 0v2",
  copy: "M5.500 5.500h8v8h-8ZM3.500 10.500h-1v-8h8v1",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z",
  plus: "M8 3v10M3 8h10",
  close: "M3.500 3.500l9 9M12.500 3.500l-9 9",
  leave: "M6 2H2.500v12H6M6 8h8M11 5l3 3-3 3",
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={shapes[name]} fill="none" stroke="currentColor" stroke-width="1.5"
        stroke-linecap="round" stroke-linejoin="round"
      />
    </svg>
  );
}
