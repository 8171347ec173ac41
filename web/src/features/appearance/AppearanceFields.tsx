import { useState } from 'react'
import { languageNames, languages } from '../../i18n/i18n'
import { useI18n } from '../../i18n/react'
import { applyTheme, storedTheme, type Theme, themes } from '../../theme/theme'
import { ChoiceField } from '../../ui/Field'
import { useSwitchLanguage } from '../../ui/language'

/** Language and theme of this browser. */
export function AppearanceFields() {
  const { t, language } = useI18n()
  const switchTo = useSwitchLanguage()
  const [theme, setTheme] = useState<Theme>(storedTheme)
  return (
    <>
      <ChoiceField
        label={t('appearance.language')}
        value={language}
        choices={languages.map(value => ({ value, label: languageNames[value] }))}
        onChoose={switchTo}
      />
      <ChoiceField
        label={t('appearance.theme')}
        value={theme}
        choices={themes.map(value => ({ value, label: t(`appearance.${value}`) }))}
        onChoose={value => {
          setTheme(value)
          applyTheme(value)
        }}
      />
    </>
  )
}
