import classes from "./score.module.css";

/** A likeness from 0 to 1, as a short bar and a number. */
export function Score({ value, label }: { value: number; label: string }) {
  return (
    <span className={classes.score}>
      <i aria-hidden><i style={{ width: `${Math.max(0, Math.min(1, value)) * 100}%` }} /></i>
      <span className="num">{label}</span>
    </span>
  );
}
