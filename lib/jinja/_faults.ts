/** A template that cannot be read, or an operation that jinja2 or Python refuses. */
export class TemplateFault extends Error {
  /** Always "TemplateFault". */
  override readonly name: string = "TemplateFault";
}

/** A rendering that takes more work than it may. */
export class WorkFault extends TemplateFault {
  /** Always "WorkFault". */
  override readonly name: string = "WorkFault";
}

/** A template that asks for the day where none was given. */
export class DateFault extends TemplateFault {
  /** Always "DateFault". */
  override readonly name: string = "DateFault";
}
