package auth

import (
	"strings"

	"konklave/notify"
	"konklave/user"
)

// letter is what stands in a mail, in each language: the name of the installation, when it happened, the link and until when it is good
// take the places of {name}, {at}, {link} and {until}.
type letter map[user.Language]struct{ subject, text string }

// in returns subject and text in a language, or in all of them where it is none of them.
func (l letter) in(language user.Language, name, at, link, until string) (subject, text string) {
	said, ok := l[language]
	if !ok {
		said.subject = l[user.German].subject + " / " + l[user.English].subject
		said.text = l[user.German].text + "\n---\n\n" + l[user.English].text
	}
	fill := strings.NewReplacer("{name}", name, "{at}", at, "{link}", link, "{until}", until)
	return fill.Replace(said.subject), fill.Replace(said.text)
}

// lockLetters are the mails about locks.
func lockLetters() map[notify.Kind]letter {
	const nobodyDe = "Waren Sie es nicht? Dann hat jemand versucht, sich als Sie anzumelden. Bei diesen Versuchen wurde niemand angemeldet. Ändern Sie im Zweifel Ihr Passwort, vor allem wenn Sie es auch anderswo verwenden.\n"
	const nobodyEn = "Was it not you? Then somebody has tried to sign in as you. These attempts signed nobody in. When in doubt change your password, above all when you use it elsewhere too.\n"
	const knewDe = "Waren Sie es nicht? Dann kennt jemand Ihr Passwort, denn es war richtig. Bei diesen Versuchen wurde niemand angemeldet. Bitte ändern Sie Ihr Passwort.\n"
	const knewEn = "Was it not you? Then somebody knows your password, because it was right. These attempts signed nobody in. Please change your password.\n"
	return map[notify.Kind]letter{
		notify.AccountLocked:       lockLetter(nobodyDe, nobodyEn),
		notify.AccountLockedSecond: lockLetter(knewDe, knewEn),
	}
}

// lockLetter is a mail about a lock that ends with what to do who did not bring it about.
func lockLetter(othersDe, othersEn string) letter {
	return letter{
		user.German: {"{name}: Anmeldung gesperrt", "Guten Tag,\n\n" +
			"bei {name} hat jemand mehrmals vergeblich versucht, sich mit Ihrer E-Mail-Adresse anzumelden. Um {at} wurde die Anmeldung deshalb für einige Minuten gesperrt, zumindest von dort, woher die Versuche kamen.\n\n" +
			"Waren Sie es? Solange die Sperre besteht, können Sie sie auf der Seite hinter diesem Link aufheben. Er gilt einmal, bis {until}:\n\n{link}\n\n" + othersDe},
		user.English: {"{name}: sign-in locked", "Hello,\n\n" +
			"at {name} somebody has tried several times in vain to sign in with your e-mail address. At {at} signing in was therefore locked for some minutes, at least from where the attempts came.\n\n" +
			"Was it you? As long as the lock lasts, you can end it on the page behind this link. It is good once, until {until}:\n\n{link}\n\n" + othersEn},
	}
}
