// How Teams draws Adaptive Cards in its light and its dark theme, for Microsoft's renderer.

const LIGHT = {
  text: ["#242424", "#5c5c5c"],
  accent: ["#444791", "#4f52b2"],
  good: ["#0e5c2f", "#0e5c2f"],
  warning: ["#6b4300", "#6b4300"],
  attention: ["#a4262c", "#a4262c"],
  backgrounds: {
    default: "#ffffff", emphasis: "#f0f0f0", good: "#e7f2da", attention: "#fdeceb",
    warning: "#fdf6d8", accent: "#e8ebfa",
  },
  line: "#d1d1d1",
};
const DARK = {
  text: ["#ffffff", "#c4c4c4"],
  accent: ["#aab1fa", "#aab1fa"],
  good: ["#9fd89f", "#9fd89f"],
  warning: ["#fde37a", "#fde37a"],
  attention: ["#ffa7ad", "#ffa7ad"],
  backgrounds: {
    default: "#292929", emphasis: "#383838", good: "#0c3b1f", attention: "#4a1f24",
    warning: "#463a0a", accent: "#2f3259",
  },
  line: "#595959",
};

function foreground(theme) {
  const colour = ([usual, subtle]) => ({
    default: usual, subtle, highlightColors: { default: usual, subtle },
  });
  const { text, accent, good, warning, attention } = theme;
  return {
    default: colour(text), dark: colour(text), light: colour(text), accent: colour(accent),
    good: colour(good), warning: colour(warning), attention: colour(attention),
  };
}

function host(theme) {
  const styles = {};
  for (const [name, backgroundColor] of Object.entries(theme.backgrounds)) {
    styles[name] = { backgroundColor, foregroundColors: foreground(theme) };
  }
  return {
    supportsInteractivity: true,
    fontTypes: {
      default: {
        fontFamily: '"Segoe UI", system-ui, -apple-system, "Noto Sans", "DejaVu Sans", sans-serif',
        fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
        fontWeights: { lighter: 300, default: 400, bolder: 600 },
      },
      monospace: {
        fontFamily: 'ui-monospace, Consolas, "DejaVu Sans Mono", monospace',
        fontSizes: { small: 12, default: 13, medium: 14, large: 16, extraLarge: 20 },
        fontWeights: { lighter: 300, default: 400, bolder: 600 },
      },
    },
    spacing: { small: 6, default: 10, medium: 16, large: 20, extraLarge: 24, padding: 14 },
    separator: { lineThickness: 1, lineColor: theme.line },
    containerStyles: styles,
    imageSizes: { small: 32, medium: 52, large: 100 },
    actions: {
      maxActions: 6,
      spacing: "default",
      buttonSpacing: 8,
      showCard: { actionMode: "inline", inlineTopMargin: 8 },
      actionsOrientation: "horizontal",
      actionAlignment: "left",
      allowTitleToWrap: true,
    },
    adaptiveCard: { allowCustomStyle: false },
    textBlock: { headingLevel: 3 },
    factSet: {
      title: { color: "default", isSubtle: true, weight: "default", wrap: true, maxWidth: 150 },
      value: { color: "default", wrap: true },
      spacing: 12,
    },
    inputs: {
      debounceTimeInMilliSeconds: 200,
      label: {
        inputSpacing: "small",
        requiredInputs: { weight: "bolder", suffix: " (required)" },
        optionalInputs: { weight: "bolder" },
      },
      errorMessage: { color: "attention", size: "small", weight: "bolder", spacing: "small" },
    },
  };
}

export const HOSTS = { light: host(LIGHT), dark: host(DARK) };
