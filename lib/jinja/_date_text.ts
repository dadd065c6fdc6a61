import { TemplateFault } from "./_faults.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

/** A day of the calendar. */
export interface CalendarDay {
  /** From 1970. */
  readonly year: number;
  /** From 1. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
}

/** Days since the start of 1970. */
function dayNumber({ year, month, day }: CalendarDay): number {
  return Math.round(Date.UTC(year, month - 1, day) / 86_400_000);
}

/** A day that a template may show, from `2024-07-26`; null where the text names none. */
export function dateFrom(text: string): CalendarDay | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (parts === null) return null;
  const [year = 0, month = 0, day = 0] = parts.slice(1).map(Number);
  const days = dayNumber({ year, month: month + 1, day: 1 }) - dayNumber({ year, month, day: 1 });
  return year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= days ? { year, month, day } : null;
}

/** The start of a day as `strftime` writes it in the C locale. */
export function dateText(date: CalendarDay, format: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const { year, month, day } = date, number = dayNumber(date), weekday = (number + 4) % 7;
  const ordinal = number - dayNumber({ year, month: 1, day: 1 }) + 1;
  const written: Readonly<Record<string, string>> = {
    a: (DAYS[weekday] as string).slice(0, 3),
    A: DAYS[weekday] as string,
    b: (MONTHS[month - 1] as string).slice(0, 3),
    B: MONTHS[month - 1] as string,
    d: two(day),
    e: String(day).padStart(2),
    D: `${two(month)}/${two(day)}/${two(year % 100)}`,
    F: `${year}-${two(month)}-${two(day)}`,
    H: "00",
    I: "12",
    j: String(ordinal).padStart(3, "0"),
    m: two(month),
    M: "00",
    n: "\n",
    p: "AM",
    S: "00",
    t: "\t",
    T: "00:00:00",
    u: String(weekday || 7),
    w: String(weekday),
    y: two(year % 100),
    Y: String(year),
    "%": "%",
  };
  return format.replace(/%(-?)(.)/gs, (_, bare: string, letter: string) => {
    const text = written[letter];
    if (text === undefined) throw new TemplateFault(`the date format %${letter} is not supported`);
    return bare === "" ? text : text.replace(/^[0 ]+(?=\d)/, "");
  });
}
