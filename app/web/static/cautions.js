// What to know before using an article, in the answer's language. The words are ours; names come from the article.

const SYSTEMS = { windows: "Windows", macos: "macOS", ios: "iOS", android: "Android", linux: "Linux", web: "Web" };

const FOR = {
  en: (names) => `This article is for ${names}.`,
  de: (names) => `Dieser Artikel gilt für ${names}.`,
  fr: (names) => `Cet article concerne ${names}.`,
  es: (names) => `Este artículo es para ${names}.`,
};

const OTHER = {
  version_mismatch: {
    en: "This article is for another version.",
    de: "Dieser Artikel gilt für eine andere Version.",
    fr: "Cet article concerne une autre version.",
    es: "Este artículo es para otra versión.",
  },
  other_platform: {
    en: "This article is for another platform.",
    de: "Dieser Artikel gilt für eine andere Plattform.",
    fr: "Cet article concerne une autre plateforme.",
    es: "Este artículo es para otra plataforma.",
  },
  other_site: {
    en: "This article is for another site.",
    de: "Dieser Artikel gilt für einen anderen Standort.",
    fr: "Cet article concerne un autre site.",
    es: "Este artículo es para otra sede.",
  },
};

/** Return one sentence per warning of a result; a warning this page does not know says nothing. */
export function cautions(result, language) {
  const speak = Object.hasOwn(FOR, language) ? language : "en";
  const names = {
    version_mismatch: result.metadata.versions ?? [],
    other_platform: (result.metadata.platform ?? []).map((name) => SYSTEMS[name] ?? name),
  };
  return (result.warnings ?? []).flatMap((warning) => {
    if (!Object.hasOwn(OTHER, warning)) return [];
    const listed = [names[warning] ?? []].flat();
    return [listed.length ? FOR[speak](listed.join(", ")) : OTHER[warning][speak]];
  });
}
