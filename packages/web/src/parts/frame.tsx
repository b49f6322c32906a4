/** Frames of views: their head, cards, and what stands where there is nothing yet. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Resource } from "../resource.ts";
import { Notes, ProblemNote } from "./problem-note.tsx";

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

export interface PageHeadProps {
  readonly title: string;
  readonly crumbs?: readonly Crumb[];
  readonly children?: ComponentChildren;
}

/** Names the document, and takes the focus when the place changes: a reader hears where it is. */
export function PageHead({ title, crumbs = [], children }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const isFirst = document.title === "Mortar";
    document.title = `${title} – Mortar`;
    if (!isFirst && document.querySelector("dialog[open]") === null) {
      heading.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }, [title]);
  return (
    <div class="page-head">
      {crumbs.length === 0 ? null : (
        <nav class="crumbs" aria-label="Where this is">
          {crumbs.map(({ text, href }) => <span><a href={href}>{text}</a> / </span>)}
        </nav>
      )}
      <h1 ref={heading} tabIndex={-1} class="break">{title}</h1>
      {children}
    </div>
  );
}

export interface CardProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  /** Without padding: a table. */
  readonly isTable?: boolean;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function Card({ title, aside, isTable = false, class: name = "", children }: CardProps) {
  const label = `card-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return (
    <section class={`card ${name}`} aria-labelledby={label}>
      <header>
        <h2 id={label}>{title}</h2>
        <span class="space" />
        {aside}
      </header>
      {/* Tables may be wider than the card: they are scrolled, by keys too. */}
      {isTable
        ? <div class="table" tabIndex={0} role="group" aria-labelledby={label}>{children}</div>
        : <div class="body">{children}</div>}
    </section>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

export interface LoadedProps<T> {
  readonly of: Resource<T>;
  readonly children: (data: T) => ComponentChildren;
}

/** What was told last; what keeps it from being told, above it. */
export function Loaded<T>({ of, children }: LoadedProps<T>) {
  return (
    <>
      {of.problem === undefined ? null : <ProblemNote problem={of.problem} />}
      <Notes notes={of.notes} />
      {of.data === undefined
        ? of.isLoading && <p class="muted" role="status">Asking mortard…</p>
        : children(of.data)}
    </>
  );
}
