import type { Language } from './language.ts';

/**
 * Words that say nothing about a subject. `everywhere` are left out of index and query; `inQuestions` are left out of a
 * query only ("what should I do about ..."), because in a text they may carry meaning.
 */
export type Stopwords = { readonly everywhere: ReadonlySet<string>; readonly inQuestions: ReadonlySet<string> };

export const stopwords = (language: Language): Stopwords => lists[language];

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Apostrophes part words, so "don't" arrives here as "don" and "t" (single letters are never terms). */
const english: Stopwords = {
  everywhere: words(`
    a an and are as at be been being but by for had has have he her his if in into is it its no nor not of on or our she
    so such than that the their them then there these they this those to was we were will with would you your us ll ve re
  `),
  inQuestions: words(`
    about after again all also am any anybody anyone anything anywhere be because before best can cannot could did do does doing done
    don doesn didn each either else ever every everyone explain find from further get gets getting give given go goes going
    good got had happen happens has have having hello her here hi him how however i is just keep know let lot made make makes
    making many may maybe me mean means might more most much must my need needed needs new now off often ok okay one only other out over
    please possible put really same say see shall should show some somebody someone something still take tell thank thanks thing things
    think too try under until up upon use used using very want wants way ways what whatever when where whether which while
    who whom whose why without wonder won wouldn shouldn couldn isn aren wasn yet yes
  `),
};

/** Words with umlauts stand here with them; the analyzer writes "fuer" as "für" before it looks. */
const german: Stopwords = {
  everywhere: words(`
    aber als am an auch auf aus bei beim bin bis da damit dann das dass dem den der des die dies diese diesem diesen dieser dieses
    doch du durch ein eine einem einen einer eines er es euch euer für hat hatte hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer
    im in ins ist ja je mein meine meinem meinen meiner mit nach nicht noch nun nur ob oder ohne sein seine seinem seinen seiner sich sie sind
    so über um und uns unser unsere unter vom von vor war waren was wegen wenn werden wie wieder wir wird wo zu zum zur zwischen
  `),
  inQuestions: words(`
    alle allem allen aller alles also andere anderen anderer anderes bekomme bekommen benötige benötigen bitte brauche brauchen braucht
    danke darf dagegen daran darauf darüber davon dazu denn dich dir dort dürfen einfach einige erkläre etwas falls finde finden
    gar gebe geben gehe gehen geht genau gibt ganz habe haben habt hallo haette hätte immer irgendwas jede jedem jeden
    jeder jedes jemand jetzt kann kannst kein keine keinen keiner können könnte lange lassen machen mache macht man mache mal mehr mich mir
    muss müssen möchte möglich nein nichts nie oft sag sage sagen schon sehr seid selbst soll sollen sollte sollten sonst tue tun tut
    viel viele vielen wann warum weil welche welchem welchen welcher welches wem wen wer weshalb weiß weiss weit wenig wieso wieviel will wirklich
    woher wohin womit wofür worauf wollen wurde wurden während würde zeige
  `),
};

const lists: { readonly [language in Language]: Stopwords } = { en: english, de: german };
