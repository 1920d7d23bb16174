// Fields of forms: label, hint and what is wrong belong together, for eyes and for ears.
import type { ComponentChildren, InputHTMLAttributes, VNode } from 'preact';
import { useId } from 'preact/hooks';

interface Shared {
  readonly label: ComponentChildren;
  readonly hint?: ComponentChildren;
  readonly wrong?: string | undefined;
}

interface Wired {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': 'true' | undefined;
}

const Field = ({
  label,
  hint,
  wrong,
  children,
}: Shared & { readonly children: (wired: Wired) => VNode }): VNode => {
  const id = useId();
  const described = [hint !== undefined && `${id}h`, wrong !== undefined && `${id}w`]
    .filter(Boolean)
    .join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-describedby': described === '' ? undefined : described,
        'aria-invalid': wrong === undefined ? undefined : 'true',
      })}
      {hint !== undefined && (
        <span class="hint" id={`${id}h`}>
          {hint}
        </span>
      )}
      {wrong !== undefined && (
        <span class="wrong" id={`${id}w`}>
          {wrong}
        </span>
      )}
    </div>
  );
};

type InputProps = Shared & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: 'text' | 'search' | 'password' | 'date' | 'datetime-local' | 'number' | 'time';
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly autocomplete?: string;
  readonly inputMode?: 'numeric';
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly spellcheck?: boolean;
};

/** A field of one line. */
export const TextField = ({
  label,
  hint,
  wrong,
  value,
  onValue,
  type = 'text',
  ...rest
}: InputProps): VNode => (
  <Field label={label} hint={hint} wrong={wrong}>
    {(wired) => (
      <input
        {...({ ...rest, ...wired, type } as InputHTMLAttributes<HTMLInputElement>)}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    )}
  </Field>
);

type AreaProps = Shared & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly rows?: number;
  readonly required?: boolean;
  readonly readOnly?: boolean;
  readonly isCode?: boolean;
};

/** A field of several lines. */
export const TextArea = ({
  label,
  hint,
  wrong,
  value,
  onValue,
  rows = 3,
  isCode,
  ...rest
}: AreaProps): VNode => (
  <Field label={label} hint={hint} wrong={wrong}>
    {(wired) => (
      <textarea
        {...rest}
        {...wired}
        rows={rows}
        class={isCode === true ? 'code' : undefined}
        spellcheck={isCode !== true}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    )}
  </Field>
);

type SelectProps = Shared & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly (readonly [value: string, text: string])[];
};

export const Select = ({ label, hint, wrong, value, onValue, options }: SelectProps): VNode => (
  <Field label={label} hint={hint} wrong={wrong}>
    {(wired) => (
      <select {...wired} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    )}
  </Field>
);

/** Several of a set, each with its own box. */
export const Choices = ({
  legend,
  options,
  chosen,
  onChosen,
  wrong,
}: {
  readonly legend: ComponentChildren;
  readonly options: readonly (readonly [value: string, text: ComponentChildren])[];
  readonly chosen: readonly string[];
  readonly onChosen: (chosen: readonly string[]) => void;
  readonly wrong?: string | undefined;
}): VNode => {
  const id = useId();
  return (
    <fieldset aria-describedby={wrong === undefined ? undefined : id}>
      <legend>{legend}</legend>
      <div class="row">
        {options.map(([value, text]) => (
          <label key={value} class="choice">
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={(event) =>
                onChosen(
                  event.currentTarget.checked ? [...chosen, value] : chosen.filter((one) => one !== value),
                )
              }
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
      {wrong !== undefined && (
        <span class="wrong" id={id}>
          {wrong}
        </span>
      )}
    </fieldset>
  );
};

/** One of a set. */
export const Radios = ({
  legend,
  name,
  options,
  value,
  onValue,
}: {
  readonly legend: ComponentChildren;
  readonly name: string;
  readonly options: readonly (readonly [value: string, text: ComponentChildren])[];
  readonly value: string;
  readonly onValue: (value: string) => void;
}): VNode => (
  <fieldset>
    <legend>{legend}</legend>
    {options.map(([option, text]) => (
      <label key={option} class="choice">
        <input
          type="radio"
          name={name}
          value={option}
          checked={option === value}
          onChange={() => onValue(option)}
        />
        <span>{text}</span>
      </label>
    ))}
  </fieldset>
);

/** A form that the browser does not send. */
export const Form = ({
  onSend,
  children,
  className = 'stack',
  label,
}: {
  readonly onSend: () => void;
  readonly children: ComponentChildren;
  readonly className?: string;
  readonly label?: string;
}): VNode => (
  <form
    class={className}
    noValidate
    aria-label={label}
    onSubmit={(event) => {
      event.preventDefault();
      onSend();
    }}
  >
    {children}
  </form>
);
